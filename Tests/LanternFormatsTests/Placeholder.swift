// LanternFormatsTests
