// LanternSamplers
