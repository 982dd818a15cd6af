#include <stdlib.h>

#include "lantern_pictures.h"

bool lp_has_memory(size_t bytes) {
  // Volatile, since a compiler leaves out an allocation that nothing uses.
  void *volatile memory = malloc(bytes);
  void *found = memory;
  free(found);
  return found != NULL;
}
