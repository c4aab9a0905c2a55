"""Poisson, Allen–Cahn and sine-Gordon equations on the unit ball, with solutions that do not separate."""

from training import main

if __name__ == "__main__":
    main(["poisson-two-body", "allen-cahn-three-body", "sine-gordon-two-body"], dim=50, steps=300)
