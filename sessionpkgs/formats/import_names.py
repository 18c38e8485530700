"""Names of modules that are not the names of the distributions that bring them: a table kept by hand.

People write ``sklearn`` where ``scikit-learn`` is meant. On the package index such a name is missing, an empty project
or somebody else's. The table serves messages only: no name is ever changed by it.
"""

from __future__ import annotations

import re

from sessionpkgs.formats import conda_names

IMPORTS = {
    "attr": "attrs",
    "allauth": "django-allauth",
    "Bio": "biopython",
    "bs4": "beautifulsoup4",
    "community": "python-louvain",
    "corsheaders": "django-cors-headers",
    "Crypto": "pycryptodome",
    "Cryptodome": "pycryptodomex",
    "cv2": "opencv-python-headless",
    "dateutil": "python-dateutil",
    "decouple": "python-decouple",
    "dns": "dnspython",
    "docx": "python-docx",
    "dotenv": "python-dotenv",
    "ee": "earthengine-api",
    "engineio": "python-engineio",
    "environ": "django-environ",
    "faiss": "faiss-cpu",
    "fitz": "pymupdf",
    "genshi.template": "genshi",
    "git": "gitpython",
    "github": "pygithub",
    "gitlab": "python-gitlab",
    "googleapiclient": "google-api-python-client",
    "google.protobuf": "protobuf",
    "grpc": "grpcio",
    "haiku": "dm-haiku",
    "hydra": "hydra-core",
    "imblearn": "imbalanced-learn",
    "jose": "python-jose",
    "jwt": "pyjwt",
    "kafka": "kafka-python",
    "ldap": "python-ldap",
    "magic": "python-magic",
    "MySQLdb": "mysqlclient",
    "nacl": "pynacl",
    "nmap": "python-nmap",
    "odf": "odfpy",
    "OpenGL": "pyopengl",
    "OpenSSL": "pyopenssl",
    "osgeo": "gdal",
    "pcl": "python-pcl",
    "PIL": "pillow",
    "pkg_resources": "setuptools",
    "pl_bolts": "lightning-bolts",
    "pptx": "python-pptx",
    "pyximport": "cython",
    "pythoncom": "pywin32",
    "rest_framework": "djangorestframework",
    "serial": "pyserial",
    "shapefile": "pyshp",
    "skbio": "scikit-bio",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "skopt": "scikit-optimize",
    "sksurv": "scikit-survival",
    "slugify": "python-slugify",
    "snappy": "python-snappy",
    "socketio": "python-socketio",
    "socks": "pysocks",
    "SPARQLWrapper.Wrapper": "sparqlwrapper",
    "surprise": "scikit-surprise",
    "tabula": "tabula-py",
    "talib": "ta-lib",
    "telegram": "python-telegram-bot",
    "umap": "umap-learn",
    "usb": "pyusb",
    "whois": "python-whois",
    "win32api": "pywin32",
    "win32com": "pywin32",
    "Xlib": "python-xlib",
    "yaml": "pyyaml",
    "zmq": "pyzmq",
}
"""Module name and the distribution that brings it."""

POINTERS = frozenset({"bs4", "imblearn", "zmq"})
"""Import names under which the index has a project that only requires the right one: nothing to say."""

_RUNS = re.compile(r"[-_.]+")


def distribution(name: str) -> str:
    """Give the distribution that is imported as *name*, empty where *name* may well be a distribution itself.

    ``matplotlib.pyplot`` is a module of matplotlib; ``ruamel.yaml`` and ``google.cloud.storage`` are distributions.
    """
    normal = _normal(name)
    if normal in _BY_NORMAL:
        return _BY_NORMAL[normal]
    first, dot, _ = name.partition(".")
    if not dot or normal in conda_names.SAME or normal in conda_names.RENAMED:
        return ""
    first = _normal(first)
    return _BY_NORMAL.get(first) or (first if first in conda_names.SAME else "")


def _normal(name: str) -> str:
    return _RUNS.sub("-", name).lower()


_BY_NORMAL = {_normal(name): brought for name, brought in IMPORTS.items()}
