"""Alpha labels made from the shared media: portraits, fixed cameras, keyed walls."""
