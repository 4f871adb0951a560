"""Portal pages of this app."""
