# SENET_PLUGIN_BUILD: changes with every header that the addon and the CUDA backend's library must have in common.
# scripts/build_cuda.mjs computes the same.
set(plugin_headers backends/backend.h backends/cuda_plugin.h backends/cuda/storage_type.h core/error.h core/graph.h)
set(plugin_hashes "")
foreach(header ${plugin_headers})
  file(SHA256 ${CMAKE_CURRENT_LIST_DIR}/${header} hash)
  string(APPEND plugin_hashes ${hash})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/${header})
endforeach()
string(SHA256 SENET_PLUGIN_BUILD "${plugin_hashes}")
