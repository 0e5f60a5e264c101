"""The verbs that do not serve: check, doctor, bench, engine, snapshot, devices."""
