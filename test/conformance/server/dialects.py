"""The dialects: each file here whose name ends in _vN is one, and says its name in NAME."""
import glob
import importlib
import os

HERE = os.path.dirname(os.path.abspath(__file__))
MODULES = [importlib.import_module(os.path.basename(path)[:-3]) for path in sorted(glob.glob(HERE + "/*_v[0-9].py"))]
TABLE = {module.NAME: module for module in MODULES}
