// The public interface of the rooms below: one import brings all of it.
@_exported public import LanternDecoding
@_exported public import LanternFormats
@_exported public import LanternLayers
@_exported public import LanternPictures
@_exported public import LanternSamplers
@_exported public import LanternTensor
@_exported public import LanternTokenizers
