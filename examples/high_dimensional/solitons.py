"""Solitons: Korteweg–de Vries in one and two dimensions, Kadomtsev–Petviashvili, sine-Gordon."""

from training import main

if __name__ == "__main__":
    main(["kdv", "kdv-gradient", "kdv-2d", "kp", "sine-gordon-1d"], steps=2000, learning_rate=3e-3)
