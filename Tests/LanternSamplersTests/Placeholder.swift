// LanternSamplersTests
