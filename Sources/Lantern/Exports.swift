// What a user of the library sees of the rooms below: one import brings all of it.
@_exported public import LanternPictures
@_exported public import LanternSamplers
@_exported public import LanternTensor
