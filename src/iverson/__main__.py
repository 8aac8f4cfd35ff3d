"""`python -m iverson` is the command `iverson`."""

from .faces.cli import main

if __name__ == "__main__":
    main()
