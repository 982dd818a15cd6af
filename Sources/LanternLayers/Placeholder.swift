// LanternLayers
