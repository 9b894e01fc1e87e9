"""Test the output of `sam build`, and its import in the Lambda image."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from deploy.check_bytecode import without_bytecode

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {
    "ChatFunction": "chat",
    "ProvidersFunction": "providers",
    "AuthorizerFunction": "authorizer",
}


def sam_build(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / ".venv-sam/bin/sam", "build", *arguments],
        cwd=root,
        env={**os.environ, "AWS_DEFAULT_REGION": "us-east-1", "SAM_CLI_TELEMETRY": "0"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Build the functions and the layer for each architecture."""
    folders = {}
    for architecture in ("arm64", "x86_64"):
        folder = tmp_path_factory.mktemp(architecture)
        result = sam_build(
            ROOT,
            *("--build-dir", str(folder)),
            *("--parameter-overrides", f"Architecture={architecture}"),
        )

        assert result.returncode == 0, result.stderr
        assert "WARNING" not in result.stderr
        folders[architecture] = folder
    return folders


@pytest.mark.parametrize("architecture", ["arm64", "x86_64"])
@pytest.mark.parametrize("function", PACKAGES)
def test_a_function_contains_only_its_handler_and_the_package(
    builds: dict[str, Path], architecture: str, function: str
) -> None:
    built = builds[architecture] / function
    more = {
        "ChatFunction": {"chatd.toml"},
        "ProvidersFunction": {"chatd.toml", "openapi.json", "api.html"},
        "AuthorizerFunction": set[str](),
    }

    assert {path.name for path in built.iterdir()} == {
        PACKAGES[function],
        "chatd",
        "layer.txt",
        "template.sum",
        *more[function],
    }
    files = [path for path in built.rglob("*") if path.is_file() and path.name != "bootstrap"]
    assert {path.suffix for path in files} <= {
        *(".py", ".pyc", ".txt", ".sum", ".toml", ".json", ".html")
    }


@pytest.mark.parametrize("architecture", ["arm64", "x86_64"])
def test_the_chat_function_s_wrapper_is_executable(
    builds: dict[str, Path], architecture: str
) -> None:
    wrapper = builds[architecture] / "ChatFunction" / "chatd" / "bootstrap"

    assert os.access(wrapper, os.X_OK)
    assert wrapper.read_bytes().startswith(b"#!/bin/sh\n")


@pytest.mark.parametrize(("architecture", "machine"), [("arm64", "aarch64"), ("x86_64", "x86_64")])
def test_the_layer_s_libraries_match_the_processor_and_python_3_13(
    builds: dict[str, Path], architecture: str, machine: str
) -> None:
    layer = builds[architecture] / "VendorLayer" / "python"
    libraries = [path.name for path in layer.rglob("*.so")]

    assert len(libraries) > 0
    assert all(name.endswith(f".cpython-313-{machine}-linux-gnu.so") for name in libraries)


def test_the_layer_contains_the_locked_packages_without_boto3(
    builds: dict[str, Path],
) -> None:
    locked = re.findall(
        r"^([a-z0-9-]+)==(\S+)", (ROOT / "requirements/layer.txt").read_text(), re.MULTILINE
    )
    installed = [
        path.name.removesuffix(".dist-info").lower().replace("_", "-")
        for path in (builds["arm64"] / "VendorLayer/python").glob("*.dist-info")
    ]

    assert sorted(installed) == sorted(f"{name}-{version}" for name, version in locked)
    assert not any(name.startswith(("boto3", "botocore")) for name in installed)


@pytest.mark.parametrize("architecture", ["arm64", "x86_64"])
def test_all_code_has_bytecode_for_python_3_13_only(
    builds: dict[str, Path], tmp_path: Path, architecture: str
) -> None:
    compiled = [path.name for path in builds[architecture].rglob("*.pyc")]
    (tmp_path / "app.py").write_text("x = 1\n")
    probe = subprocess.run([ROOT / "deploy/bytecode.sh", tmp_path, "/var/task"], check=False)

    assert [name for name in compiled if not name.endswith(".cpython-313.pyc")] == []
    if probe.returncode == 0:
        assert without_bytecode(builds[architecture]) == []
        assert len(compiled) > 100
    else:
        assert probe.returncode == 3
        assert compiled == []


def test_an_invalid_chatd_toml_stops_the_build(tmp_path: Path) -> None:
    for name in ("functions", "layers", "requirements", "deploy"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in ("template.yaml", "samconfig.toml"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    (tmp_path / "chatd.toml").write_text('default_provider = "olama"\n')

    result = sam_build(tmp_path, "ChatFunction")

    assert result.returncode == 1
    assert re.search(
        r"^.*chatd: chatd\.toml: .*default_provider.*'olama'", result.stderr, re.MULTILINE
    )
    assert "Traceback" not in result.stderr


@pytest.mark.docker
@pytest.mark.parametrize("function", PACKAGES)
def test_lambda_s_python_imports_the_handler_from_bytecode(
    builds: dict[str, Path], lambda_image: str, function: str
) -> None:
    build = builds["x86_64"]
    result = subprocess.run(
        [
            *("docker", "run", "--rm", "--network", "none"),
            *("--volume", f"{build / function}:/var/task:ro"),
            *("--volume", f"{build / 'VendorLayer'}:/opt:ro"),
            *("--env", "PYTHONPATH=/var/task:/opt/python:/var/runtime"),
            *("--env", "CHATD_CALLERS_SECRET_ID=unused"),
            *("--entrypoint", "/var/lang/bin/python3.13", lambda_image),
            *("-v", "-c", f"from {PACKAGES[function]}.app import lambda_handler"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    ours = re.findall(r"# code object from '?(/(?:var/task|opt)/[^'\s]+)", result.stderr)

    assert result.returncode == 0, result.stderr[-3000:]
    assert len(ours) > 2
    assert [path for path in ours if not path.endswith(".cpython-313.pyc")] == []


@pytest.mark.docker
def test_the_wrapper_starts_the_runtime_from_the_layer_s_bytecode(
    builds: dict[str, Path], lambda_image: str
) -> None:
    build = builds["x86_64"]
    result = subprocess.run(
        [
            *("docker", "run", "--rm", "--network", "none"),
            *("--volume", f"{build / 'ChatFunction'}:/var/task:ro"),
            *("--volume", f"{build / 'VendorLayer'}:/opt:ro"),
            # Neither the handler nor the Runtime API exists.
            *("--env", "_HANDLER=nowhere.handler", "--env", "AWS_LAMBDA_RUNTIME_API=127.0.0.1:1"),
            *("--env", "PYTHONVERBOSE=1", "--entrypoint", "/var/task/chatd/bootstrap"),
            *(lambda_image, "/var/lang/bin/python3.13", "/var/runtime/bootstrap.py"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    loaded = re.findall(r"# code object from '?(/(?:var/task|opt)/[^'\s]+)", result.stderr)

    assert "Unable to import module 'nowhere'" in result.stdout + result.stderr
    assert "/opt/python/awslambdaric/__pycache__/bootstrap.cpython-313.pyc" in loaded
    assert "/var/task/chatd/aws_lambda/__pycache__/runtime_stream.cpython-313.pyc" in loaded
    assert [path for path in loaded if not path.endswith(".cpython-313.pyc")] == []
    assert "/var/runtime/awslambdaric" not in result.stderr


def bytecode(folder: Path, tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Compile `folder` on a machine with a broken python3.13."""
    broken = tmp_path / "bin" / "python3.13"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    return subprocess.run(
        [ROOT / "deploy/bytecode.sh", folder, "/var/task"],
        env={
            **os.environ,
            "PATH": f"{broken.parent}:{os.environ['PATH']}",
            "PYENV_ROOT": "/nowhere",
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    folder = tmp_path / "code"
    (folder / "chat").mkdir(parents=True)
    (folder / "chat" / "app.py").write_text("x = 1\n")
    return folder


def test_without_python_3_13_the_build_continues_and_names_the_cost(
    sources: Path, tmp_path: Path
) -> None:
    result = bytecode(sources, tmp_path, DOCKER_HOST="tcp://127.0.0.1:1")

    assert result.returncode == 3
    assert "every cold start takes two to three times as long" in result.stdout
    assert list(sources.rglob("*.pyc")) == []


@pytest.mark.docker
def test_the_lambda_image_compiles_without_a_local_python_3_13(
    sources: Path, tmp_path: Path, lambda_image: str
) -> None:
    result = bytecode(sources, tmp_path)

    assert result.returncode == 0, result.stderr
    assert f"bytecode by {lambda_image}" in result.stdout
    assert [path.name for path in sources.rglob("*.pyc")] == ["app.cpython-313.pyc"]


@pytest.mark.parametrize("architecture", ["arm64", "x86_64"])
def test_the_layer_contains_metadata_but_no_tests_or_stubs(
    builds: dict[str, Path], architecture: str
) -> None:
    layer = builds[architecture] / "VendorLayer/python"

    assert [
        path for path in layer.rglob("*") if path.name == "tests" or path.suffix == ".pyi"
    ] == []
    assert not (layer / "bin").exists()
    assert (layer / "pydantic").is_dir()
    assert list(layer.glob("pydantic-*.dist-info/METADATA"))
