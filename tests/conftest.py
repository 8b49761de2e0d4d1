"""What holds for every test: a law is judged by what it finds, not by how long a busy machine takes for it."""

from hypothesis import HealthCheck, settings

settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")
