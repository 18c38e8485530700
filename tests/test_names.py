"""The public names, so that none comes or goes by accident."""

import sessionpkgs


def test_the_public_names_are_these() -> None:
    assert sorted(sessionpkgs.__all__) == [
        "Plan",
        "Record",
        "Session",
        "SessionPkgsError",
        "Spec",
        "__version__",
        "load_ipython_extension",
        "unload_ipython_extension",
    ]
    assert all(getattr(sessionpkgs, name) is not None for name in sessionpkgs.__all__)


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    assert not hasattr(sessionpkgs, "Manager")
