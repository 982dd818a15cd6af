// LanternModelsTests
