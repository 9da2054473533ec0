# `cmake --build --preset release --target installed` and then, in build/release, `cpack` makes
# Debian packages there:
# cloister-runtime, cloister-server (with systemd units), cloister, libcloister-client,
# libcloister-client-dev, cloister-doc. deploy/README.md.
# Without it packages would wait for all tests and benchmarks to be built.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)
add_custom_target(installed DEPENDS programs cloister_client_shared)

set(units ${CMAKE_SOURCE_DIR}/deploy/systemd)
install(FILES ${units}/cloisterd.service ${units}/cloister-keyserver.service
  DESTINATION lib/systemd/system COMPONENT server)
install(FILES ${units}/cloister-worker.service DESTINATION lib/systemd/system COMPONENT programs)
install(FILES ${units}/cloister.conf DESTINATION lib/sysusers.d COMPONENT runtime)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR}
  COMPONENT documentation FILES_MATCHING PATTERN "*.md" PATTERN "*.txt")
install(FILES ${CMAKE_SOURCE_DIR}/LICENSE ${CMAKE_SOURCE_DIR}/CHANGELOG.md
  DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT documentation)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME cloister)
set(CPACK_PACKAGE_CONTACT "Cloister maintainers <maintainers@cloister.invalid>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL runtime server programs client client-development documentation)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
# What each file is linked with, as packages, but for the ONNX Runtime that goes along.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_ENABLE_COMPONENT_DEPENDS ON)
get_filename_component(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${ONNXRUNTIME_LIBRARY} DIRECTORY)

# _cloister_package(COMPONENT NAME SUMMARY [DEPENDS COMPONENT])
function(_cloister_package component name summary)
  cmake_parse_arguments(arg "" "DEPENDS" "" ${ARGN})
  string(TOUPPER ${component} id)
  set(CPACK_DEBIAN_${id}_PACKAGE_NAME ${name} PARENT_SCOPE)
  set(CPACK_COMPONENT_${id}_DESCRIPTION ${summary} PARENT_SCOPE)
  set(CPACK_COMPONENT_${id}_DEPENDS ${arg_DEPENDS} PARENT_SCOPE)
endfunction()
_cloister_package(runtime cloister-runtime "ONNX Runtime for Cloister, and its services' users")
_cloister_package(server cloister-server "Cloister's trusted server and key server" DEPENDS runtime)
_cloister_package(programs cloister
  "neural networks on an accelerator that must not see their inputs" DEPENDS runtime)
_cloister_package(client libcloister-client "verifies a Cloister server, and asks it")
_cloister_package(client-development libcloister-client-dev "header and CMake package of libcloister-client"
  DEPENDS client)
_cloister_package(documentation cloister-doc "Cloister's documentation")
set(CPACK_DEBIAN_RUNTIME_PACKAGE_CONTROL_EXTRA ${CMAKE_SOURCE_DIR}/deploy/debian/postinst)
set(CPACK_DEBIAN_CLIENT_PACKAGE_CONTROL_EXTRA ${CMAKE_SOURCE_DIR}/deploy/debian/triggers)
# tpm2-tss loads what reaches a TPM when it is asked for.
set(CPACK_DEBIAN_SERVER_PACKAGE_RECOMMENDS "libtss2-tcti-device0, libtss2-tcti-swtpm0, ca-certificates")
include(CPack)
