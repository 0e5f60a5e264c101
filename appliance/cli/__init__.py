"""The command line: the verbs and options of ``mattebox``, and what each verb calls."""
