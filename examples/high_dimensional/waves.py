"""The wave equation in the cone that its initial values determine."""

from training import main

if __name__ == "__main__":
    main(["wave"], dim=5, steps=1000)
