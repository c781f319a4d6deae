"""`python -m tfxai` is the command `tfxai`."""

from tfxai.cli import main

if __name__ == "__main__":
    main()
