// LanternPictures
