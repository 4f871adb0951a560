"""Settings: `base` holds everything, the others only tighten or loosen it."""
