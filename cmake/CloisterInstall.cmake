# What `cmake --install build/release --prefix P` puts where. By parts, with --component:
# runtime (an ONNX Runtime of our own), server (cloisterd and the key server: what is trusted),
# programs (all others); client (the library), client-development (header, CMake package, pkg-config).
# Each is a Debian package, too (CloisterPackage.cmake).
include(CMakePackageConfigHelpers)

# An ONNX Runtime that is not the system's goes along, in a folder of our own.
function(cloister_install_onnxruntime)
  set(folder ${CMAKE_INSTALL_LIBDIR}/cloister)
  get_target_property(library OnnxRuntime::onnxruntime IMPORTED_LOCATION)
  file(REAL_PATH ${library} library)
  if(library MATCHES "^/usr/lib")
    return()
  endif()
  install(FILES ${library} DESTINATION ${folder} RENAME libonnxruntime.so.1 COMPONENT runtime)
  get_filename_component(beside ${library} DIRECTORY)
  file(GLOB providers ${beside}/libonnxruntime_providers_*.so)
  install(FILES ${providers} DESTINATION ${folder} COMPONENT runtime)
endfunction()

# cloister_install_programs(COMPONENT TARGET...)
function(cloister_install_programs component)
  file(RELATIVE_PATH up ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBDIR}/cloister)
  set(rpath "$ORIGIN/${up}")
  # One of pytorch.org stays where it is: it is larger than all else together.
  if(CLOISTER_TORCH AND NOT TORCH_INSTALL_PREFIX MATCHES "^/usr/?$")
    list(APPEND rpath ${TORCH_INSTALL_PREFIX}/lib)
  endif()
  set_target_properties(${ARGN} PROPERTIES INSTALL_RPATH "${rpath}")
  install(TARGETS ${ARGN} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT ${component})
endfunction()

# cloister_install_client(TARGET): as find_package(CloisterClient), Cloister::client.
function(cloister_install_client target)
  set(package ${CMAKE_INSTALL_LIBDIR}/cmake/CloisterClient)
  set(made ${CMAKE_BINARY_DIR}/generated/CloisterClient)
  install(TARGETS ${target} EXPORT CloisterClient
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
      COMPONENT client NAMELINK_COMPONENT client-development)
  install(FILES ${CMAKE_SOURCE_DIR}/include/cloister/client.h
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/cloister COMPONENT client-development)
  install(EXPORT CloisterClient NAMESPACE Cloister:: FILE CloisterClientTargets.cmake
    DESTINATION ${package} COMPONENT client-development)
  configure_package_config_file(${CMAKE_SOURCE_DIR}/cmake/CloisterClientConfig.cmake.in
    ${made}/CloisterClientConfig.cmake INSTALL_DESTINATION ${package}
    NO_SET_AND_CHECK_MACRO)
  # Before 1.0 a minor version may change the interface.
  write_basic_package_version_file(${made}/CloisterClientConfigVersion.cmake
    COMPATIBILITY SameMinorVersion)
  file(RELATIVE_PATH CLIENT_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
  configure_file(${CMAKE_SOURCE_DIR}/cmake/cloister-client.pc.in ${made}/cloister-client.pc @ONLY)
  install(FILES ${made}/CloisterClientConfig.cmake ${made}/CloisterClientConfigVersion.cmake
    DESTINATION ${package} COMPONENT client-development)
  install(FILES ${made}/cloister-client.pc
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT client-development)
endfunction()
