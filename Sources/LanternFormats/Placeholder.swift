// LanternFormats
