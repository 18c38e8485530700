"""The face in a notebook: magics, results, progress. It parses, calls one Session method and shows what comes back."""
