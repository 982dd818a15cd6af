// LanternTests
