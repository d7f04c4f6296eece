"""The networks (VGG encoders, AdaIN, decoders) and the files of their weights. Pictures are NCHW float in [0, 1]."""
