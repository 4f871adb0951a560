"""Counts how often somebody asks, in sliding windows: in Valkey, or in this process while Valkey is away."""
