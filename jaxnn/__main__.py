"""``python -m jaxnn`` and the ``jaxnn`` command."""

import sys


def main() -> None:
    """Runs the command line; says what to install where its packages are missing."""
    try:
        import click  # noqa: F401
        import rich  # noqa: F401
    except ImportError as error:
        sys.exit(f'jaxnn: the command line needs {error.name}. Install it with: pip install "jaxnn-toolkit[cli]"')
    from jaxnn.cli.app import run

    run()


if __name__ == "__main__":
    main()
