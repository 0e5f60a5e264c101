"""puppet://: a keyed still of a person, moved by the pose of the person in a driving clip."""
