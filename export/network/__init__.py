"""The matting network, one file per part: encoder, atrous pyramid, decoder, and the whole."""
