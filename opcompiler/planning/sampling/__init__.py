"""Random symbols: estimators of operators that are too large to be exact, with their variance, in exact arithmetic."""
