"""The biharmonic equation on a shell, exactly, with the minimal plan."""

from training import main

if __name__ == "__main__":
    main(["biharmonic"], dim=3, steps=300)
