"""XGBoost without scikit-learn: hourly scoring reads boosters, and must not pay for wrappers that nobody uses."""

import sys
from types import ModuleType


def xgboost() -> ModuleType:
    """The xgboost module. It works without scikit-learn, but imports it where it finds it: 1.7 of 2.2 s of CPU.

    So the first import looks as if scikit-learn were not installed. Its `XGB…` estimators are then not usable in this process.
    """
    if "xgboost" not in sys.modules and "sklearn" not in sys.modules:
        sys.modules["sklearn"] = None  # type: ignore[assignment] # what `import` takes for "not installed"
        try:
            import xgboost as module
        finally:
            del sys.modules["sklearn"]
        return module
    import xgboost as module

    return module
