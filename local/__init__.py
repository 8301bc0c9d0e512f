"""The laptop's cloud: its supervisor, the emulator of AWS, the certificate authority, Airflow, simulated devices."""
