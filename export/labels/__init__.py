"""Making alpha labels from the shared media: portraits, fixed cameras, keyed walls."""
