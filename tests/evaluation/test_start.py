import subprocess
import sys


def test_the_command_line_starts_without_torch():
    """It needs neither torch nor Detectron2, which take seconds to import."""
    modules = ["__main__", "hoiw_files", "pic_files", "vcoco_files", "hicodet_files"]
    imports = ", ".join(f"choi_d2.evaluation.{module}" for module in modules)
    code = f"import sys, {imports}; print(sorted({{'torch', 'detectron2'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
