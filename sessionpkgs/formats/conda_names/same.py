"""Names under which conda and the package index have one project: a table kept by hand.

Names are normalised (PEP 503). It does not know versions, nor names that differ.
"""

# ruff: noqa: SIM905 - words in a text are read and kept in order more easily than quoted ones

from __future__ import annotations

SAME = frozenset(
    """
    abipy absl-py accelerate access adal adjusttext adlfs aenum aesara affine aiobotocore aiodns aiofiles
    aiohappyeyeballs aiohttp aiohttp-cors aioitertools aiosignal aiosqlite alabaster albumentations alembic allensdk
    altair altgraph aniso8601 anndata annotated-doc annotated-types ansible anthropic antlr4-python3-runtime antropy
    anyio anytree anywidget apache-airflow apache-beam aplpy appdirs appmode appnope apscheduler arch argcomplete argh
    argon2-cffi argon2-cffi-bindings arrow arviz asdf ase asgiref asn1crypto astor astroid astroplan astropy
    astropy-healpix astroquery asttokens astunparse async-generator async-lru async-timeout asyncpg asyncssh
    atomicwrites atpublic attrs audioread autograd autopep8 av awkward awkward-cpp awscli awswrangler ax-platform
    azure-common azure-core azure-cosmos azure-identity azure-keyvault-secrets azure-mgmt-core azure-storage-blob
    azure-storage-file-datalake babel backcall backoff backports-functools-lru-cache backports-tarfile
    backports-zoneinfo bambi basemap bash-kernel bcrypt beakerx beartype beautifulsoup4 billiard biopython biosppy
    bitarray bitsandbytes black blackjax bleach blessed blinker bokeh boltons boost-histogram boto boto3 botocore
    botorch bottle bottleneck box2d-py bqplot branca brotlipy bumpversion cachecontrol cached-property cachetools
    cairocffi cairosvg camelot-py captum cartopy casadi catboost category-encoders cattrs causalml ccdproc ccxt cdsapi
    celery cellpose celluloid cenpy cerberus certifi cffi cfgrib cftime cgatcore chardet charset-normalizer cheroot
    cherrypy chex chromadb click click-plugins cligj cloudpathlib cloudpickle cmaes cmake cmdstanpy cmocean cmyt
    codecov codetiming colorama colorcet coloredlogs colorful colorlog colormath comm commonmark conda-lock conda-pack
    confection configargparse configobj configparser confuse connectorx contextily contourpy convertdate cookiecutter
    corner coverage cplex cramjam croniter cryptography cssselect cutadapt cvxopt cvxpy cx-oracle cycler cyipopt cymem
    cython cytoolz cyvcf2 dacite dagster dash dash-bootstrap-components dask-cuda dask-expr dask-gateway dask-geopandas
    dask-glm dask-histogram dask-image dask-jobqueue dask-kubernetes dask-labextension dask-ml dask-xgboost
    databricks-cli databricks-sdk dataclasses-json datasets datashader datashape dateparser dateutils dbt-core ddt deap
    debugpy decorator deepdiff deepmerge deeptools defusedxml delta-spark deltalake deprecated deprecation descartes
    diagrams diffusers dill dipy diskcache distlib distrax distributed distro django django-cors-headers
    django-extensions django-filter djangorestframework dm-haiku dm-tree dnspython docformatter docker-pycreds docopt
    docrepr docstring-parser docstring-to-markdown docutils dominate dtale duckdb duckdb-engine dvc dynaconf dynesty
    e3nn earthaccess earthengine-api ecdsa editables eemont einops elasticsearch eli5 emcee emoji empyrical entrypoints
    ephem esda et-xmlfile etils evaluate eventlet evidently exceptiongroup execnet executing fabric fairscale faiss-cpu
    faker fancyimpute fastai fastapi fastapi-cli fastavro fastcluster fastcore fastdownload fastdtw fasteners
    fastjsonschema fastparquet fastprogress fastrlock fasttext feather-format featuretools feedparser ffmpy filelock
    findspark fiona fire flake8 flash-attn flask flask-caching flask-cors flask-login flask-migrate flask-restful
    flask-socketio flask-sqlalchemy flask-wtf flax flexcache flexparser flit flit-core flox folium fonttools fpdf fpdf2
    fqdn freezegun frozendict frozenlist fsspec ftfy fugue furo future fuzzywuzzy galpy gast gcsfs geemap gensim
    geocube geographiclib geojson geopandas geoplot geopy geoviews gevent gffutils gh-scoped-creds ghp-import giddy
    gitdb gitpython glfw glob2 glom gmpy2 google-api-core google-api-python-client google-auth google-auth-httplib2
    google-auth-oauthlib google-cloud-aiplatform google-cloud-bigquery google-cloud-bigquery-storage google-cloud-core
    google-cloud-firestore google-cloud-logging google-cloud-pubsub google-cloud-secret-manager google-cloud-storage
    google-crc32c google-pasta google-resumable-media googleapis-common-protos gpustat gputil gpytorch gql gradio
    graphene graphql-core great-expectations greenlet griffe grpcio grpcio-status grpcio-tools gspread gunicorn gwpy
    gym gymnasium h11 h2 h5coro h5netcdf h5py harmony-py hatchling hdbscan hdfs hdmf healpy heapdict hf-xet
    hijri-converter hist hjson hmmlearn holidays holoviews hpack html5lib htseq httpcore httplib2 httptools httpx
    httpx-sse huggingface-hub humanfriendly humanize hvac hvplot hydra-core hyperframe hyperlink hyperopt hypothesis
    ibis-framework icecream icepyx identify idna igwn-auth-utils ijson imagecodecs imagehash imageio imageio-ffmpeg
    imagesize imbalanced-learn imgaug iminuit immutables implicit importlib-metadata importlib-resources impyla
    incremental inequality inflect inflection influxdb-client iniconfig inquirer intake intake-esm intake-parquet
    intake-stac intake-thredds intake-xarray interpret intervaltree invoke ipdb ipycanvas ipydatagrid ipyfilechooser
    ipykernel ipyleaflet ipympl ipyparallel ipysheet ipython ipython-genutils ipython-pygments-lexers ipython-sql
    ipytree ipyvolume ipyvue ipyvuetify ipywebrtc ipywidgets isodate isoduration isort itables itsdangerous
    jaraco-classes jaraco-context jaraco-functools jax jaxlib jaxtyping jdcal jedi jeepney jellyfish jieba jinja2
    jinja2-time jiter jmespath joblib josepy json5 jsonlines jsonpatch jsonpickle jsonpointer jsonschema
    jsonschema-specifications junit-xml jupyter jupyter-ai jupyter-bokeh jupyter-book jupyter-cache jupyter-client
    jupyter-console jupyter-contrib-nbextensions jupyter-core jupyter-dash jupyter-events jupyter-kernel-gateway
    jupyter-leaflet jupyter-lsp jupyter-offlinenotebook jupyter-packaging jupyter-remote-desktop-proxy
    jupyter-resource-usage jupyter-scheduler jupyter-server jupyter-server-fileid jupyter-server-mathjax
    jupyter-server-proxy jupyter-server-terminals jupyter-server-ydoc jupyter-sphinx jupyter-sshd-proxy
    jupyter-syncthing-proxy jupyter-vscode-proxy jupyter-ydoc jupytergis jupyterhub jupyterlab
    jupyterlab-code-formatter jupyterlab-favorites jupyterlab-geojson jupyterlab-git jupyterlab-h5web jupyterlab-lsp
    jupyterlab-myst jupyterlab-pygments jupyterlab-server jupyterlab-vim jupyterlab-widgets jupytext kaggle kazoo kedro
    keplergl keras keras-applications keras-core keras-preprocessing keras-tuner kerchunk keyring kiwisolver kombu
    korean-lunar-calendar kornia langchain langchain-classic langchain-community langchain-core langchain-openai
    langchain-text-splitters langcodes langdetect langgraph langsmith lark lazy-loader lazy-object-proxy leafmap
    levenshtein libcst libpysal librosa lifelines lightgbm lightkurve lightning lightning-utilities lime line-profiler
    linkify-it-py litellm llama-index llvmlite lmfit localtileserver locket locust logbook loguru lonboard lsprotocol
    luigi lunarcalendar lxml lz4 macs2 macs3 mako mapclassify markdown markdown-it-py markdown2 markdownify markupsafe
    marshmallow marshmallow-oneofschema matplotlib matplotlib-inline matplotlib-scalebar matplotlib-venn mayavi mccabe
    mda-xdrlib mdanalysis mdit-py-plugins mdtraj mdurl memory-profiler mercantile mesa meson metaflow metpy mgwr
    mimesis minio missingno mistletoe mistune mizani mkdocs mkdocs-material ml-dtypes mlflow mlflow-skinny mlxtend mmcv
    mne mock modin momepy mongoengine monotonic more-itertools morecantile moto moviepy movingpandas mpi4py mplcursors
    mpld3 mplfinance mplhep mplleaflet mpmath msal msal-extensions msgspec msrest mujoco multidict multipledispatch
    multiprocess multiqc multiurl munch munkres murmurhash mypy mypy-extensions mysql-connector-python mysqlclient
    myst-nb myst-parser napari natsort nb-black nbclassic nbclient nbconvert nbdev nbdime nbformat nbgitpuller nbgrader
    nbresuse nbserverproxy nbsphinx nbstripout nbval neptune-client nest-asyncio netaddr netcdf4 netifaces networkit
    networkx neurokit2 nevergrad nglview nibabel nilearn ninja nipype nitime nltk nodeenv nolds nose nose2 notebook
    notebook-shim nox ntlm-auth num2words numba numbagg numcodecs numexpr numpy numpy-financial numpy-groupies numpydoc
    numpyro nvidia-ml-py oauth2client oauthlib obspy odc-geo odc-stac odfpy onnx onnxmltools onnxruntime openai
    openai-whisper opencensus opencensus-context openml openmm openpyxl opensearch-py opentelemetry-api
    opentelemetry-sdk opt-einsum optax optuna oracledb orbax-checkpoint orderedmultidict orjson osmnet osmnx osqp
    outcome overrides owslib packaging palettable pamela panda3d pandana pandarallel pandas pandas-datareader
    pandas-gbq pandas-profiling pandas-stubs pandasql pandera pandocfilters panel papermill param parameterized
    paramiko parmed parse parsel parso partd particle passlib paste path pathlib2 pathos pathspec pathtools pathy patsy
    pbr pdfminer-six pdfplumber pdm peewee pefile peft pendulum pep8 pep8-naming petl pexpect pg8000 phik phonenumbers
    photutils pickleshare pika pillow pims pingouin pint pint-pandas pint-xarray pipdeptree pipx pkginfo
    pkgutil-resolve-name planetary-computer platformdirs plotly plotnine pluggy pmdarima poetry poetry-core pointpats
    polars pomegranate pooch portalocker portpicker pox ppft pqdm praw prawcore pre-commit prefect preshed prettytable
    prody proglog progressbar2 prometheus-client prometheus-flask-exporter promise prompt-toolkit propcache prophet
    proto-plus protobuf psutil psycopg psycopg2 psycopg2-binary ptyprocess pudb pulp pure-eval pvlib py py-cpuinfo
    py-spy py4j py7zr pyaml pyarrow pyasn1 pyasn1-modules pyautogui pybedtools pybids pybigwig pybind11 pybind11-global
    pybtex pycairo pycaret pycocotools pycodestyle pycosat pycountry pycparser pycryptodome pycryptodomex pyct pycurl
    pydantic pydantic-core pydantic-extra-types pydantic-settings pydap pydata-sphinx-theme pydeck pydicom pydocstyle
    pydot pydotplus pydriller pyedflib pyee pyelftools pyepsg pyerfa pyfaidx pyfftw pyflakes pyfolio pygame pygeos
    pygithub pyglet pygments pygmt pygraphviz pyhdf pyhive pyiceberg pyinstaller pyinstaller-hooks-contrib pyjanitor
    pyjwt pykalman pykdtree pykeen pyld pyldavis pylev pylint pylops pylsp-mypy pymannkendall pymatgen pymc pymc3
    pymdown-extensions pymeeus pymetis pymongo pymoo pymssql pymupdf pymysql pynacl pynndescent pynput pynvml pynwb
    pyod pyodbc pyogrio pyomo pyopencl pyopengl pyopenssl pyparsing pypdf pypdf2 pyperclip pyphen pypika pyppeteer
    pyproj pyproject-api pyproject-hooks pyproject-metadata pyqt5-sip pyqt6 pyqtchart pyqtgraph pyqtwebengine pyranges
    pyreadr pyreadstat pyresample pyrsistent pysal pysam pyscaffold pyscf pysftp pyshp pyside2 pyside6 pysocks pyspark
    pyspellchecker pystac pystac-client pystan pytensor pytesseract pytest pytest-asyncio pytest-benchmark
    pytest-codeblocks pytest-cov pytest-django pytest-env pytest-flask pytest-html pytest-httpserver pytest-metadata
    pytest-mock pytest-mpl pytest-randomly pytest-rerunfailures pytest-runner pytest-sugar pytest-timeout pytest-xdist
    python-box python-crfsuite python-dateutil python-decouple python-docx python-dotenv python-engineio python-gitlab
    python-hcl2 python-jose python-json-logger python-levenshtein python-louvain python-lsp-black python-lsp-jsonrpc
    python-lsp-ruff python-lsp-server python-magic python-multipart python-pptx python-rapidjson python-slugify
    python-snappy python-socketio python-utils pythonnet pythreejs pytimeparse pytoml pytoolconfig pytools
    pytorch-ignite pytorch-lightning pytorch-metric-learning pytz pytz-deprecation-shim pytzdata pyu2f pyvis pyvisa
    pyvista pyvistaqt pyviz-comms pywavelets pywin32 pywin32-ctypes pywinpty pyxdg pyxlsb pyyaml pyyaml-env-tag pyzmq
    qdrant-client qgrid qiskit qrcode qstylizer qtawesome qtconsole qtpy quantecon quantities quart querystring-parser
    qutip radon rapidfuzz rasterio rasterstats ratelimit rdflib rdkit readchar readme-renderer recommonmark referencing
    regex regions reportlab reproject requests requests-cache requests-file requests-ftp requests-futures requests-html
    requests-kerberos requests-mock requests-ntlm requests-oauthlib requests-toolbelt resampy responses retry retrying
    rfc3339-validator rfc3986 rfc3986-validator rfc3987-syntax rich rich-click rio-cogeo rio-tiler rioxarray rise river
    robotframework rope rpds-py rpy2 rsa rtree ruamel-yaml ruamel-yaml-clib ruff s3fs s3transfer sacrebleu sacremoses
    safehttpx safetensors salib sarif-om sasl satpy scanpy schedule schema scikit-bio scikit-build scikit-build-core
    scikit-fuzzy scikit-image scikit-learn scikit-learn-extra scikit-misc scikit-mobility scikit-optimize scikit-plot
    scikit-surprise scikit-survival scipy scooby scrapy scs scvelo scvi-tools seaborn secretstorage
    segmentation-models-pytorch segregation selenium semantic-version semver send2trash sentence-transformers
    sentencepiece sentinelhub sentry-sdk seqeval service-identity setproctitle setuptools setuptools-git
    setuptools-rust setuptools-scm sgp4 sh shap shapely shellingham shortuuid shtab simpervisor simpleitk simplejson
    simpy siphon six skl2onnx sklearn-pandas skorch sktime slack-sdk slackclient slicerator sliderule smart-open smmap
    snakemake snakemake-wrapper-utils snakeviz sncosmo sniffio snowballstemmer snowflake-connector-python
    snowflake-snowpark-python snowflake-sqlalchemy snuggs sortedcontainers sos soundfile soupsieve spacy spacy-legacy
    spacy-loggers spaghetti sparkmagic sparqlwrapper sparse spectral spectral-cube specutils spglib sphinx
    sphinx-autobuild sphinx-autodoc-typehints sphinx-book-theme sphinx-copybutton sphinx-design sphinx-gallery
    sphinx-rtd-theme sphinx-tabs sphinxcontrib-applehelp sphinxcontrib-bibtex sphinxcontrib-devhelp
    sphinxcontrib-htmlhelp sphinxcontrib-jsmath sphinxcontrib-qthelp sphinxcontrib-serializinghtml
    sphinxcontrib-websupport spikeinterface spint splot spopt spreg spyder sqlalchemy sqlalchemy-utils sqlfluff sqlglot
    sqlmodel sqlparse squarify srsly sse-starlette sshtunnel stac-geoparquet stack-data stackstac stanza starlette
    statannotations statsforecast statsmodels stevedore stopit streamlit streamz structlog stumpy sunpy supervisor
    svgwrite sweetviz swifter sympy ta-lib tables tabula-py tabulate tbats tblib tenacity tensorboard
    tensorboard-data-server tensorboard-plugin-wit tensorboardx tensorflow tensorflow-datasets tensorflow-estimator
    tensorflow-hub tensorflow-metadata tensorflow-probability tensorly teradatasql termcolor terminado terminaltables
    testfixtures testpath text-unidecode textblob textdistance texttable textual theano thefuzz thinc thop
    threadpoolctl thrift thrift-sasl tifffile tiktoken timezonefinder timm tinycss2 tinydb tldextract tobler
    tokenize-rt tokenizers toml tomli tomli-w tomlkit toolz torchaudio torchcodec torchdata torchdiffeq torchgeo
    torchmetrics torchtext torchvision tornado tox tpot tqdm trackpy traitlets traits traitsui trame transformers
    treelib trimap trimesh trio trio-websocket triton trl tsfel tsfresh tslearn ttkthemes tweepy twine twisted txaio
    typed-ast typeguard typer types-python-dateutil types-pyyaml types-requests typing-extensions typing-inspect
    typing-inspection typing-utils tzlocal ujson ultralytics umap-learn uncertainties unicodedata2 unidecode unyt
    update-checker uproot uri-template uritemplate urlextract urllib3 urwid uv uvicorn uvloop vaex vcrpy vector
    vega-datasets verde versioneer virtualenv visdom vispy vllm voila voluptuous vtk waitress wandb warcio wasabi
    watchdog watchfiles watermark wcmatch wcwidth weasel weasyprint weaviate-client webcolors webdriver-manager
    webencodings webob websocket-client websockets websockify werkzeug wfdb whatthepatch wheel whitebox whitenoise
    whoosh widgetsnbextension wikipedia woodwork word2number wordcloud wrapt wrf-python wsproto xarray xarray-datatree
    xarray-spatial xclim xesmf xformers xgboost xgcm xhistogram xlrd xlsx2csv xlsxwriter xlwings xlwt xmip xmltodict
    xrft xskillscore xvfbwrapper xyzservices y-py yacs yagmail yahooquery yamllint yapf yarg yarl yaspin
    ydata-profiling yellowbrick yfinance yt zarr zc-lockfile zict zipp zope-interface zstandard
    """.split()
)
"""conda package and distribution of the index are one project under one name."""
