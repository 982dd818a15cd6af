// LanternPicturesTests
