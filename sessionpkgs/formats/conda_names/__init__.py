"""Which distribution of the package index is the project that a conda package name means: tables kept by hand.

A name is in ``SAME`` or ``RENAMED`` only when both sides are one project; the same name alone says nothing (the index
has other projects under ``pytorch``, ``nodejs``, ``mamba``, ``graphviz``). Names are normalised (PEP 503) in ``SAME``
and ``RENAMED``, and spelt as conda spells them in the other tables. It does not know versions.
"""

# ruff: noqa: SIM905 - words in a text are read and kept in order more easily than quoted ones

from __future__ import annotations

from sessionpkgs.formats.conda_names.same import SAME

__all__ = ["NOT_PYTHON", "NOT_PYTHON_PREFIXES", "PLUMBING", "PLUMBING_PREFIXES", "RENAMED", "SAME"]

RENAMED = {
    "airflow": "apache-airflow",
    "black-jupyter": "black[jupyter]",
    "brotli-python": "brotli",
    "bs4": "beautifulsoup4",
    "dask": "dask[complete]",
    "dask-core": "dask",
    "django-rest-framework": "djangorestframework",
    "docker-py": "docker",
    "faiss": "faiss-cpu",
    "gurobi": "gurobipy",
    "h3-py": "h3",
    "jsonschema-with-format-nongpl": "jsonschema[format-nongpl]",
    "jupyterhub-base": "jupyterhub",
    "jupyterhub-singleuser": "jupyterhub",
    "matplotlib-base": "matplotlib",
    "modin-core": "modin",
    "modin-dask": "modin[dask]",
    "modin-ray": "modin[ray]",
    "msgpack-python": "msgpack",
    "nbconvert-core": "nbconvert",
    "neo4j-python-driver": "neo4j",
    "numpy-base": "numpy",
    "opencv": "opencv-python-headless",
    "pvlib-python": "pvlib",
    "py-opencv": "opencv-python-headless",
    "py-xgboost": "xgboost",
    "py-xgboost-cpu": "xgboost",
    "py-xgboost-gpu": "xgboost",
    "pyarrow-core": "pyarrow",
    "pydantic-with-email": "pydantic[email]",
    "pyg": "torch-geometric",
    "pymc-base": "pymc",
    "pyqt": "pyqt5",
    "pytables": "tables",
    "python-annoy": "annoy",
    "python-blosc": "blosc",
    "python-blosc2": "blosc2",
    "python-build": "build",
    "python-cdo": "cdo",
    "python-chromedriver-binary": "chromedriver-binary",
    "python-confluent-kafka": "confluent-kafka",
    "python-devtools": "devtools",
    "python-duckdb": "duckdb",
    "python-eccodes": "eccodes",
    "python-fastjsonschema": "fastjsonschema",
    "python-flatbuffers": "flatbuffers",
    "python-graphviz": "graphviz",
    "python-igraph": "igraph",
    "python-installer": "installer",
    "python-isal": "isal",
    "python-kaleido": "kaleido",
    "python-kubernetes": "kubernetes",
    "python-libarchive-c": "libarchive-c",
    "python-lmdb": "lmdb",
    "python-pdal": "pdal",
    "python-sounddevice": "sounddevice",
    "python-lsp-server-base": "python-lsp-server",
    "python-tzdata": "tzdata",
    "python-wget": "wget",
    "python-xxhash": "xxhash",
    "pytorch": "torch",
    "pytorch-cpu": "torch",
    "pytorch-geometric": "torch-geometric",
    "pysoundfile": "soundfile",
    "pytorch-cluster": "torch-cluster",
    "pytorch-gpu": "torch",
    "pytorch-scatter": "torch-scatter",
    "pytorch-sparse": "torch-sparse",
    "pytorch-spline-conv": "torch-spline-conv",
    "ortools-python": "ortools",
    "qdldl-python": "qdldl",
    "qtconsole-base": "qtconsole",
    "quaternion": "numpy-quaternion",
    "ray-air": "ray[air]",
    "ray-core": "ray",
    "ray-data": "ray[data]",
    "ray-default": "ray[default]",
    "ray-rllib": "ray[rllib]",
    "ray-serve": "ray[serve]",
    "ray-train": "ray[train]",
    "ray-tune": "ray[tune]",
    "redis-py": "redis",
    "sagemaker-python-sdk": "sagemaker",
    "seaborn-base": "seaborn",
    "snakemake-minimal": "snakemake",
    "tensorflow-base": "tensorflow",
    "tensorflow-cpu": "tensorflow",
    "tensorflow-gpu": "tensorflow",
    "tensorflow-mkl": "tensorflow",
    "tiledb-py": "tiledb",
    "uvicorn-standard": "uvicorn[standard]",
    "vtk-base": "vtk",
}
"""conda package and distribution of the index are one project under two names (or under two sets of extras)."""

_COMPILER = "compilers belong to the machine, and wheels need none"
_CUDA = "wheels that use a GPU bring their own CUDA"
_PROGRAM = "a program, not a Python distribution: install it on the machine"
_BIO = "a bioinformatics program, not a Python distribution: install it on the machine"
_LIBRARY = "a C or C++ library, not a Python distribution: wheels bring the libraries they need"
_CONDA = "conda itself cannot be part of a session"
_R = "an R package: a session holds Python distributions"

NOT_PYTHON = {
    **dict.fromkeys(
        "anaconda anaconda-navigator conda conda-build conda-env constructor mamba micromamba".split(), _CONDA
    ),
    **dict.fromkeys("boa libmambapy conda-libmamba-solver miniconda nb_conda nb_conda_kernels pixi".split(), _CONDA),
    **dict.fromkeys(
        """
        c-compiler clang clangxx clang-tools compilers cxx-compiler fortran-compiler gcc gcc_linux-64 gfortran
        gfortran_linux-64 go gxx gxx_linux-64 llvm llvmdev m2w64-toolchain nasm rust swig
        """.split(),
        _COMPILER,
    ),
    **dict.fromkeys(
        """
        cuda-python cutlass tensorrt
        libcudf libkvikio librmm nvcomp nvtx cubinlinker ptxcompiler dlpack
        """.split(),
        _CUDA,
    ),
    **dict.fromkeys("cudf cuml cugraph cuspatial cuxfilter dask-cudf rmm".split(), "under pip: its name ends in -cu12"),
    "cupy": "write cupy-cuda12x under pip:",
    "cupy-core": "write cupy-cuda12x under pip:",
    "esmpy": "it comes with the library ESMF, which conda builds",
    "graph-tool": "it comes with a C++ library, which conda builds; networkx and igraph have wheels",
    "psi4": "it comes with a C++ library, which conda builds",
    "en-core-web-sm": "write its wheel's URL under pip:",
    "faiss-gpu": "write faiss-cpu, or faiss-gpu-cu12 under pip:",
    "ffmpeg": "a program; imageio-ffmpeg brings one",
    "gdal": "a library; rasterio, fiona and pyogrio bring their own",
    "graphviz": "the program dot; its Python binding is python-graphviz",
    "nodejs": "a program; on the package index nodejs is another project",
    "pandoc": "a program; pypandoc-binary under pip: brings one",
    "nbconvert-pandoc": "the program pandoc; pypandoc-binary under pip: brings one",
    "playwright": "write playwright under pip: and install its browsers on the machine",
    **dict.fromkeys(
        """
        aria2 autoconf automake bash bazel bison cdo chromedriver chromium coin-or-cbc code-server coreutils curl docker docker-compose
        doxygen firefox flex gawk geckodriver gh ghostscript git git-lfs gmt gnuplot go-task grep helm htop imagemagick
        inkscape jq julia just kubectl make man maven mongodb mysql mystmd nano nco nginx
        octave openjdk openssh p7zip parallel patch patchelf perl php pkg-config poppler postgresql potrace qgis
        rabbitmq redis redis-server kubernetes rsync ruby sed syncthing tar tectonic terraform tesseract texlive-core texinfo tmux
        tree unzip vim wget wkhtmltopdf xvfb yarn zip zsh
        """.split(),
        _PROGRAM,
    ),
    **dict.fromkeys(
        """
        abricate ambertools augustus bamtools bbmap bcftools beagle bedops bedtools blast bowtie bowtie2 busco bwa bwa-mem2 canu
        cd-hit clustalo clustalw cufflinks diamond entrez-direct fastp fastqc fasttree flye freebayes gatk gatk4 gromacs hhsuite
        hisat2 hmmer htslib iqtree kallisto kalign2 kalign3 kraken2 last mafft mash megahit minimap2 mmseqs2 mothur
        mrbayes mummer muscle ncbi-datasets-cli nextflow openbabel picard picard-slim plink plink2 prodigal prokka quast raxml
        salmon samtools seqkit seqtk snpeff spades sra-tools star stringtie subread trim-galore trimmomatic varscan
        vcftools velvet
        """.split(),
        _BIO,
    ),
    **dict.fromkeys(
        "armadillo boost boost-cpp eigen fftw gmock gsl gtest ipopt py-boost suitesparse xeus-cling xtensor xtensor-blas".split(),
        _LIBRARY,
    ),
    "r": _R,
    "rstudio": _R,
    "pypy": "another Python: a session keeps the one of its kernel",
    "python.app": "another Python: a session keeps the one of its kernel",
}
"""conda names that are no distribution of the index, each with a phrase that says what to do; they are refused."""

NOT_PYTHON_PREFIXES = {
    "r-": _R,
    "bioconductor-": _R,
    "perl-": "a Perl package: a session holds Python distributions",
    "rb-": "a Ruby package: a session holds Python distributions",
    "libcu": _CUDA,
    "compiler-rt": _COMPILER,
    "clang_": _COMPILER,
    "texlive-": _PROGRAM,
    "spacy-model-": "write the URL of the model's wheel under pip:",
    "cupy-cuda": "write this name under pip:",
}
"""The same for whole families."""

PLUMBING = frozenset(
    """
    cuda cudatoolkit cudatoolkit-dev cudnn cutensor nccl pytorch-cuda pytorch-mutex
    _anaconda_depends _ipyw_jlab_nb_ext_conf _libgcc_mutex _openmp_mutex _py-xgboost-mutex _pytorch_select
    _sysroot_linux-64_curr_repodata_hack _tflow_select abseil-cpp alsa-lib anaconda-anon-usage aom arpack arrow-cpp
    at-spi2-atk at-spi2-core atk atk-1.0 attr aws-crt-cpp aws-sdk-cpp azure-core-cpp azure-identity-cpp
    azure-storage-blobs-cpp azure-storage-common-cpp azure-storage-files-datalake-cpp backports blas blas-devel
    blosc brotli brotli-bin brunsli bzip2 c-ares c-blosc c-blosc2 ca-certificates cairo capnproto ceres-solver
    cfitsio charls console_shortcut cryptography-vectors cyrus-sasl dataclasses dav1d dbus double-conversion eccodes
    elfutils epoxy esmf expat flatbuffers fmt fontconfig freeglut freetds freetype freexl fribidi gdk-pixbuf geos
    geotiff gettext gflags giflib gl2ps glew glib glib-tools glog glpk gmp gnutls graphite2 grpc-cpp
    gst-plugins-base gstreamer gtk2 gtk3 gts h3 harfbuzz hdf4 hdf5 hicolor-icon-theme hwloc icc_rt icu igraph imath
    intel-openmp isa-l jansson jasper jbig jpeg json-c jsoncpp jsonschema-with-format jxrlib kealib keyutils krb5
    lame lapack lcms2 ld64 ldid leptonica lerc level-zero libabseil libaec libaio libarchive libarrow libarrow-acero
    libarrow-dataset libarrow-flight libarrow-flight-sql libarrow-gandiva libarrow-substrait libasprintf libass
    libavif libavif16 libblas libboost libboost-headers libboost-python libbrotlicommon libbrotlidec libbrotlienc
    libbsd libcap libcblas libclang libclang-cpp libclang13 libcrc32c libcups libcurl libcxx libcxxabi libdap4 libdb
    libdeflate libdrm libedit libegl libev libevent libexpat libfaiss libffi libflac libgcc libgcc-devel_linux-64
    libgcc-ng libgcrypt libgd libgdal libgdal-core libgeotiff libgettextpo libgfortran libgfortran-ng libgfortran4
    libgfortran5 libgl libglib libglu libglvnd libglx libgomp libgoogle-cloud libgoogle-cloud-storage libgpg-error
    libgrpc libhwloc libhwy libiconv libidn2 libintl libjpeg-turbo libjxl libkml liblapack liblapacke liblightgbm
    libllvm10 libllvm11 libllvm12 libllvm13 libllvm14 libllvm15 libllvm16 libllvm17 libllvm18 libllvm19 libllvm20
    liblzma liblzma-devel libmagma libmagma_sparse libmicrohttpd libnetcdf libnghttp2 libnl libnsl libntlm libnuma
    libogg libopenblas libopencv libopengl libopentelemetry-cpp libopenvino libopus libparquet libpciaccess libpng
    libpostal libpq libprotobuf libprotobuf-static libraw libre2-11 librsvg librttopo libsanitizer libsecret
    libsentencepiece libsndfile libsodium libsolv libspatialindex libspatialite libsqlite libssh libssh2 libstdcxx
    libstdcxx-devel_linux-64 libstdcxx-ng libsystemd0 libtasn1 libtensorflow libtensorflow_cc
    libtensorflow_framework libtheora libthrift libtiff libtool libtorch libudev1 libudunits2 libunistring libunwind
    libusb libutf8proc libuuid libuv libva libvorbis libvpx libwebp libwebp-base libwinpthread libx11 libxcb
    libxcrypt libxgboost libxkbcommon libxkbfile libxml2 libxml2-16 libxslt libyaml libzip libzlib libzopfli lmdb
    lz4-c lzo m4 magma mbedtls menuinst metis mkl mkl-devel mkl-include mkl-service mkl_fft mkl_random mpc mpfr
    mpg123 mpi mpich msmpi mumps-include mumps-seq mysql-common mysql-libs ncurses nettle nlohmann_json nomkl nspr
    nss numactl ocl-icd ocl-icd-system onednn openblas openblas-devel opencl-headers openexr openh264 openjpeg
    openldap openmpi openssl orc p11-kit pango parquet-cpp pcre pcre2 pdal pixman poppler-data proj proj4
    prometheus-cpp pthread-stubs pugixml pulseaudio pulseaudio-client pyqt-impl python-gil python_abi
    pywin32-on-windows qhull qt qt-main qt-webengine qt6-main rav1e rdma-core re2 readline rocksdb s2n sdl2 snappy
    soxr spdlog spirv-tools sqlite sqlite-libs svt-av1 sysroot tbb tbb-devel tiledb tk tktable typing tzcode tzdata
    ucrt ucx unixodbc uriparser utf8proc utfcpp vc vc14_runtime vs2015_runtime vs2019_win-64 wayland
    wayland-protocols win_inet_pton wincertstore winpty x264 x265 xcb-util xcb-util-cursor xcb-util-image
    xcb-util-keysyms xcb-util-renderutil xcb-util-wm xerces-c xkeyboard-config xtl xxhash xz xz-gpl-tools xz-tools
    yaml yaml-cpp zeromq zfp zlib zlib-ng zstd
    """.split()
)
"""What stands in exports only because something else needed it; wheels bring their own. Left out, and said once."""

PLUMBING_PREFIXES = (
    "aws-c-",
    "aws-checksums",
    "binutils",
    "cuda-",
    "font-ttf-",
    "fonts-conda-",
    "gcc_impl_",
    "gfortran_impl_",
    "gxx_impl_",
    "kernel-headers_",
    "ld_impl_",
    "llvm-openmp",
    "m2w64-",
    "mkl-",
    "msys2-",
    "sysroot_",
    "xorg-",
)
