// LanternTokenizersTests
