"""The networks: VGG encoders, AdaIN, the mirrored decoder. Pictures are NCHW float in [0, 1]."""
