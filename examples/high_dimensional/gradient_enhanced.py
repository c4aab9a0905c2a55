"""Gradient-enhanced training: the mean square of ∇(residual) is part of the loss."""

from training import main

if __name__ == "__main__":
    main(["sine-gordon-two-body-gradient", "poisson-three-body-gradient"], dim=20, steps=300)
