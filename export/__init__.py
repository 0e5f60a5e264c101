"""Everything that needs torch: labelling, training, ONNX export and evaluation of the networks.

The appliance never imports from here.
"""
