"""Pools: what a team or an administrator prepares once and every session of their kernels starts with."""
