"""Profiles of the property tests: short and the same each time at the desk, long and new for `make fuzz`."""

from hypothesis import HealthCheck, settings

settings.register_profile("desk", deadline=None, derandomize=True, database=None)
settings.register_profile(
    "long", deadline=None, max_examples=20_000, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("desk")
