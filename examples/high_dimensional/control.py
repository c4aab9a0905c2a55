"""Hamilton–Jacobi–Bellman and Black–Scholes–Barenblatt equations, backwards from their terminal values."""

from training import main

if __name__ == "__main__":
    main(["hjb-lin", "hjb-lqg", "black-scholes-barenblatt"], dim=20, steps=300)
