# Vendors of our own, which tests, fuzz targets and benchmarks sign evidence with.
include_guard(GLOBAL)
add_library(cloister_attest_authority STATIC
  ${CMAKE_CURRENT_LIST_DIR}/authority.cpp ${CMAKE_CURRENT_LIST_DIR}/case.cpp
  ${CMAKE_CURRENT_LIST_DIR}/dcap_world.cpp ${CMAKE_CURRENT_LIST_DIR}/every_kind.cpp
  ${CMAKE_CURRENT_LIST_DIR}/snp_world.cpp ${CMAKE_CURRENT_LIST_DIR}/tpm_world.cpp)
target_include_directories(cloister_attest_authority PUBLIC ${CMAKE_SOURCE_DIR})
target_link_libraries(cloister_attest_authority PUBLIC cloister_attest)
