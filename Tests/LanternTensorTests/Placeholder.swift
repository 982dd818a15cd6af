// LanternTensorTests
