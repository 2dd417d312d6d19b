import ast
import subprocess
import sys
from pathlib import Path

import choi_d2.evaluation


def test_the_command_line_starts_without_torch():
    """It needs neither torch nor Detectron2, which take seconds to import."""
    modules = ["__main__", "hoiw_files", "pic_files", "vcoco_files", "hicodet_files"]
    imports = ", ".join(f"choi_d2.evaluation.{module}" for module in modules)
    code = f"import sys, {imports}; print(sorted({{'torch', 'detectron2'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_type_checkers_see_what_is_loaded_on_first_use():
    tree = ast.parse(Path(choi_d2.evaluation.__file__).read_text())
    imports = [x for x in ast.walk(tree) if isinstance(x, ast.ImportFrom) and x.level == 1]
    seen = {name.asname: x.module for x in imports for name in x.names}
    assert seen == choi_d2.evaluation._HOMES
