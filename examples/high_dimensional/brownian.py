"""Semilinear parabolic equations along Brownian paths, judged by the value at the origin."""

from training import main

if __name__ == "__main__":
    main(["heat-time", "allen-cahn-time", "sine-gordon-time"], dim=10, steps=500)
