#include "lantern_pictures.h"
